package dev.tailwater.schemas;

import java.io.Serializable;

/** One named, typed column of a record. */
public record Column(String name, ColumnType type, boolean nullable) implements Serializable {}
