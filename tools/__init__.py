"""What is needed to bring the product to Azure and is no part of it."""
