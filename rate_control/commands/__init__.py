"""The commands of the rate control, a file a verb: python -m rate_control VERB"""
