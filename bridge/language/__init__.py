"""What people read, in their language: Chinese or English.

Messages are written, raised, stored and handed to programs in English. They are put into the
reader's language here, where they are shown.
"""

from bridge.language.speech import LANGUAGES, Language, say, say_error, speak, spoken, wanted

__all__ = ["LANGUAGES", "Language", "say", "say_error", "speak", "spoken", "wanted"]
