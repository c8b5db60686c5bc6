"""Questions of students and teachers about an assignment, or about an essay and its feedback, and their answers.

    matter → prompt → difficulty, which routes it → answer

`questions` keeps them as rows that a worker claims, as it does an essay.
"""
