"""What happens: each job reads, lets the core decide, and acts through the ports."""
