package dev.tailwater.cli;

import java.util.Map;

/**
 * What every command is given.
 *
 * @param console where it speaks
 * @param home where its state lives
 * @param environment the environment variables
 * @param verbose whether details were asked for
 */
public record Session(
    Console console, TailwaterHome home, Map<String, String> environment, boolean verbose) {}
