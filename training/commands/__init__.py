"""The commands of the training, a file a verb: python -m training VERB"""
