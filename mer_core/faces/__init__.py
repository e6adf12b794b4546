"""The synthetic corpus, a file for each step: head, identity, paint, expression, plan, render, scene, corpus."""
