"""What runs of a graph cost: estimated before a deployment, attributed after it. Pure.

``estimate`` lets the graph run on its pools in thought; ``attribute`` shares out what the account
was billed to what ran, and nothing is lost or made up on the way. Times are seconds, of the epoch
where they are moments; costs are credits.
"""
