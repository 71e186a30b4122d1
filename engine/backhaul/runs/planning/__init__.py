"""Plans: what a run would do, without doing it; and runs that do what a plan says and nothing else."""
