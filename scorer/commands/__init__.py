"""The commands of ``python -m scorer``.

artifacts: ``export``, ``quantize``, ``inspect``, ``activate`` and ``roll-back``.
changes: ``changes``.
compare: ``compare``.
convert: ``convert``.
edit_models: ``add-model``, ``put-models``, ``remove-model`` and ``rename-model``.
evaluate: ``evaluate``.
learn: ``learn``.
learn_belief: ``learn-belief``.
overlap: ``overlap``.
report: ``report compare`` and ``report artifact``.
train: ``train``.
train_answers: ``train-answers``.
console: shared arguments, output, warnings and errors.
tables: values as tables.
"""
