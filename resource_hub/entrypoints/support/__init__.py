"""What the doors share: guards, problem answers, sentences, words, formats, forms, paging, protection."""
