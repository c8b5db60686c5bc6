"""Nothing is paid for twice: answers of models, kept in this process, in Redis, and by what a question means."""
