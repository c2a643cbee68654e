"""What the application may ask (one Protocol a context), and what an adapter has to answer (`store.py`)."""
