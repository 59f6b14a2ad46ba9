"""What a report says: findings as they come in, their texts in both languages, and
their forms.
"""
