package io.routemoa.client;

/**
 * One thing that is wrong with a request.
 *
 * @param field path of the field, e.g. {@code policy.max_layer_count}
 * @param description what is wrong with it, for a person
 */
public record FieldViolation(String field, String description) {}
