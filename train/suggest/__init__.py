"""Which unlabelled texts to label next: ``python -m train.suggest``.

``__main__``  the command, and the file that it writes
``texts``     the unlabelled texts, without those that are labelled already
``choosing``  the choice: texts that the model is unsure of, and that are unlike each other
"""
