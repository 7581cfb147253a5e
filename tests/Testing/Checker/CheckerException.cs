namespace Lamina.Testing.Checker;

/// <summary>A checker guest has gone through what it must not.</summary>
public sealed class CheckerException(string message) : Exception(message);
