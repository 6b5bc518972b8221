"""Drawing: the book's style and plots, graphs of autograd, pictures of what a network does."""
