"""Your own clips: what `mer prepare own` does."""

from mer_core.start import script

if __name__ == "__main__":
    script("own")
