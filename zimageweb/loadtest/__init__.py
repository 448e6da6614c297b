"""`manage.py loadtest`: many people at once, each a real client of the running site.

clients    one person: a WebSocket, HTTP requests, a picture at the end that is looked at
rounds     so many people at the same moment, and what came of it in numbers
people     who they are: from a file of tokens, or made for the test and removed afterwards
memory     what the workers take of the machine meanwhile
plot       the numbers as an SVG
"""
