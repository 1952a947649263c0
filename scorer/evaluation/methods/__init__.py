"""The methods that are compared. Needs torch.

method: the interface of a method.
registry: every method by its name, with its settings.
baselines: a random order, the best model, and the best model of a task.
knn: the k nearest training queries.
linear: logistic regression per model.
mlp: a multi-layer perceptron.
matrix_factorization: RouteLLM's matrix factorization.
routerdc: RouterDC on features, as published and with defects fixed.
routerdc_tuned: RouterDC with its encoder trained.
dual_contrastive_loss: the losses of RouterDC.
routemoa: this project's own method.
network: a torch module on features, its losses and early stopping.
"""
