"""Reports: pages of pictures, of a comparison of methods and of one artifact. Needs matplotlib.

page: a page of HTML with a file per picture.
comparison: the sections of a comparison's page.
artifact_page: the sections of an artifact's page.
evidence: an artifact's predictions on records.
changes: two artifacts, compared on the same records.
learning_curve: scores by the number of training records. Needs torch.
pictures: one kind of picture per module.
style: colours, settings and files of pictures.
"""
