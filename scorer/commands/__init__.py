"""The commands of ``python -m scorer``.

activate: ``activate`` and ``roll-back``.
compare: ``compare``.
convert: ``convert``.
edit_models: ``add-model``, ``remove-model`` and ``rename-model``.
evaluate: ``evaluate``.
export: ``export``.
inspect: ``inspect``.
overlap: ``overlap``.
quantize: ``quantize``.
report: ``report compare`` and ``report artifact``.
train: ``train``.
console: shared arguments, output, warnings and errors.
tables: values as tables.
"""
