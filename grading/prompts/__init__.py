"""The prompts of `prompts/<task>/<language>/<version>.md`: what there is, how long it is, how to make it shorter.

`library` finds, reads and compares them, `compression` shortens any prompt by rule. How an
essay is put into a prompt is `grading/prompt.py`.
"""
