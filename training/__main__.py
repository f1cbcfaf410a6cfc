"""`python -m training`: the papers' training, a command each in training/cli."""

from training.cli import main

if __name__ == "__main__":
    main()
