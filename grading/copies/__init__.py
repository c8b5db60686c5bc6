"""Words that an essay shares with another student's: candidates by signature, then exact passages, then clusters.

It is a hint for teachers. No essay's grade depends on it, and no student is told of it.
"""
