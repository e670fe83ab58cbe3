"""Tables, matrices and sentences that depend on the case, for the chunks of the documents."""


def spell_out(number: int) -> str:
    """Small numbers as words: three, but 22."""
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[number] if number < len(words) else str(number)
