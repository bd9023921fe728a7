import Node

nodeMain()
