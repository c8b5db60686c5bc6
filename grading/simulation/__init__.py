"""What a month of essays costs and how long they wait: arrivals replayed through the rules that grade real ones.

`traffic` says when essays come, `calls` how many tokens one takes, `queueing` how long it waits, `replay` sends a month
through `grading.routing` and counts, `month` prices it stage by stage, and `guide` has the cost guide's own figures.
"""
