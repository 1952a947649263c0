{{/* Contradictions in what the values add to a component's pods and Service, as a JSON list. Takes (list root component). */}}
{{- define "routemoa.podProblems" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := index $root.Values $component -}}
{{- $problems := list -}}
{{- $prefix := printf "ROUTEMOA_%s_" (upper $component) -}}
{{- range $values.extraEnv -}}
{{- if hasPrefix $prefix .name -}}
{{- $setting := trimPrefix $prefix .name | lower -}}
{{- $problems = append $problems (printf "%s.extraEnv: %s is a setting of the service; set %s.config.%s, or the value that it follows from" $component .name $component $setting) -}}
{{- end -}}
{{- if and (hasKey . "value") (hasKey . "valueFrom") -}}
{{- $problems = append $problems (printf "%s.extraEnv: %s has both value and valueFrom" $component .name) -}}
{{- end -}}
{{- end -}}
{{- $volumes := list -}}
{{- range include "routemoa.volumes" . | fromYamlArray }}{{ $volumes = append $volumes .name }}{{ end -}}
{{- $paths := list -}}
{{- range include "routemoa.volumeMounts" . | fromYamlArray -}}
{{- $paths = append $paths .mountPath -}}
{{- if not (has .name $volumes) -}}
{{- $problems = append $problems (printf "%s.extraVolumeMounts: there is no volume %s; add it to extraVolumes" $component .name) -}}
{{- end -}}
{{- end -}}
{{- $containers := list $component -}}
{{- if and (eq $component "scorer") (eq $root.Values.scorer.artifact.source "fetch") }}{{ $containers = append $containers "fetch-artifact" }}{{ end -}}
{{- range concat (default list $values.initContainers) (default list $values.extraContainers) }}{{ $containers = append $containers .name }}{{ end -}}
{{- $variables := list -}}
{{- range $values.extraEnv }}{{ $variables = append $variables .name }}{{ end -}}
{{- $named := dict "extraEnv: the variable" $variables "extraVolumes: the volume" $volumes "extraVolumeMounts: the path" $paths "initContainers and extraContainers: the container" $containers -}}
{{- range $what, $names := $named -}}
{{- $seen := list -}}
{{- range $names -}}
{{- if has . $seen }}{{ $problems = append $problems (printf "%s.%s %s is there twice" $component $what .) }}{{ end -}}
{{- $seen = append $seen . -}}
{{- end -}}
{{- end -}}
{{- range $label, $value := $values.podLabels -}}
{{- if has $label (list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component") -}}
{{- $problems = append $problems (printf "%s.podLabels: %s is the chart's own, by which pods are selected" $component $label) -}}
{{- end -}}
{{- end -}}
{{- with $values.serviceAccount -}}
{{- if and (not .create) (not .name) -}}
{{- $problems = append $problems (printf "%s.serviceAccount: create is false, so name the account" $component) -}}
{{- end -}}
{{- if and (not .create) .annotations -}}
{{- $problems = append $problems (printf "%s.serviceAccount: annotations are for an account that the chart creates" $component) -}}
{{- end -}}
{{- end -}}
{{- if ne $values.service.type "ClusterIP" -}}
{{- if $root.Values.monitoring.serviceMonitor.enabled -}}
{{- $problems = append $problems (printf "%s.service: a %s has no port of metrics, so that they stay inside; enable monitoring.podMonitor instead of serviceMonitor" $component $values.service.type) -}}
{{- end -}}
{{- if and $root.Values.networkPolicy.enabled (not $values.networkPolicy.from) -}}
{{- $problems = append $problems (printf "%s.networkPolicy.from is empty, so calls to a Service of type %s would be dropped; name who may call" $component $values.service.type) -}}
{{- end -}}
{{- end -}}
{{- $timings := include "routemoa.probeTimings" . | fromYaml -}}
{{- $patience := dict -}}
{{- range $kind, $timing := $timings }}{{ $_ := set $patience $kind (mul $timing.periodSeconds $timing.failureThreshold) }}{{ end -}}
{{- if le $patience.liveness $patience.readiness -}}
{{- $problems = append $problems (printf "%s.probes: liveness gives up after %d s and readiness after %d s, so a busy pod would be killed instead of left alone" $component $patience.liveness $patience.readiness) -}}
{{- end -}}
{{- toJson $problems -}}
{{- end }}

{{/* Milliseconds of a duration such as 1m30s. */}}
{{- define "routemoa.milliseconds" -}}
{{- $total := 0 -}}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" . -1 -}}
{{- $factor := get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) (regexFind "[a-z]+" .) -}}
{{- $total = add $total (mul (regexFind "[0-9]+" . | int64) $factor) -}}
{{- end -}}
{{- $total -}}
{{- end }}
