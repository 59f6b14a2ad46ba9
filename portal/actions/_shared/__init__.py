"""What stands behind the action modules: only they import it, and it declares no
action.
"""
