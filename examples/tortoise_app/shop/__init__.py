"""An application of its own that keeps its posts with blogsvc."""
