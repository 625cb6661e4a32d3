"""The classifier: what a message's tokens say about it, learned and served.

`features` turns a message into hashed indices, `bayes` holds the counts and scores them with numpy
alone, `training` fits the counts with scikit-learn (imported there and nowhere else), `corpus` reads
labelled mail, `evaluation` and `measures` say how good a model is, `commands` is the command line.
"""
