"""What Holdfast costs per mailbox, beside others doing the same work: figures and meaning in ``README.md``."""
