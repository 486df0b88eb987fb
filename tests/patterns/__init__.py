"""What every regular expression over foreign text is held to: its worst input costs no more a KB than any other."""
