"""What was run and what is stored of it: lists of experiments, stored runs, reproduction, review, papers' tables."""
