"""The commands of the submission, a file a verb: python -m submission VERB"""
