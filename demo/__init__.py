"""The demo: sample sources, served over real sockets and files, and harvested from end
to end.
"""
