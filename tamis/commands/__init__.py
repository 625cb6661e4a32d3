"""The commands of `tamis`, one module each: `add(subparsers)` describes it, `run(args)` does it."""
