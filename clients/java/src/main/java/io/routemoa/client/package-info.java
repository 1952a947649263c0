/**
 * Client of the RouteMoA services, which rank language models for a query before running any, and let the
 * best few work together. Start at {@link io.routemoa.client.RouteMoAClient}; messages are in
 * {@code io.routemoa.v1}.
 */
package io.routemoa.client;
