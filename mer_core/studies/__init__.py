"""One file a chapter, with the chapter's name: its analysis, its own figures, and the sentences that it says."""
