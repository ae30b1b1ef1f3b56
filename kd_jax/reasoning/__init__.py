"""Problems whose answers need several steps, and students of a teacher's chains of thought."""
