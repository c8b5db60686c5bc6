"""From what graders say and what can be counted in an essay to the points that its teacher would give."""
