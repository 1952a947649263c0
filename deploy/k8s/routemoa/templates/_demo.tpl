{{/* The demo: simulated models, one small pod of each service, while the pool is empty. */}}

{{/* "true" if the demo is on. Takes the root. */}}
{{- define "routemoa.isDemo" -}}
{{- and .Values.demo.enabled .Values.router.enabled (empty .Values.router.pool.models) -}}
{{- end }}

{{/* The pool that the router reads, as JSON. Takes the root. */}}
{{- define "routemoa.pool" -}}
{{- $pool := .Values.router.pool -}}
{{- if eq (include "routemoa.isDemo" .) "true" -}}
{{- $models := list -}}
{{- $url := printf "http://%s-demo:8000/v1" (include "routemoa.fullname" .) -}}
{{- range (.Files.Get "files/demo-pool.yaml" | fromYaml).models -}}
{{- $models = append $models (merge (dict "url" $url) .) -}}
{{- end -}}
{{- $pool = merge (dict "models" $models) $pool -}}
{{- end -}}
{{- toPrettyJson $pool -}}
{{- end }}

{{/* Resources of a component's container: small requests in the demo. Takes (list root component). */}}
{{- define "routemoa.resources" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $resources := deepCopy (index $root.Values $component).resources -}}
{{- if and (eq $component "scorer") $root.Values.scorer.gpu.enabled -}}
{{- $resources = mergeOverwrite $resources (dict "limits" (dict $root.Values.scorer.gpu.resourceName 1)) -}}
{{- end -}}
{{- if eq (include "routemoa.isDemo" $root) "true" -}}
{{- $cpu := get (dict "scorer" "500m" "router" "250m" "judge" "100m" "gateway" "100m") $component -}}
{{- $resources = mergeOverwrite $resources (dict "requests" (dict "cpu" $cpu)) -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end }}
