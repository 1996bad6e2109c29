"""Override policies: which rules apply to an object on a cluster, in which order, and what each overrider does.

Pure and path-copying: the template is never edited. Spec: rendering-and-status section 1.
"""
