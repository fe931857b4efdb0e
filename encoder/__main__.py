"""The command of the encoder."""

from eval.command_line import run_module

if __name__ == "__main__":
    run_module("encoder", "encoder.command")
