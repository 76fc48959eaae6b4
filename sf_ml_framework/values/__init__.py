"""What datasets hold, whatever place keeps it: columns, streams, frames, documents, reports."""
