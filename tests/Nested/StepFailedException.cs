namespace Lamina.Tests.Nested;

/// <summary>A step found something else than it should.</summary>
internal sealed class StepFailedException(string message) : Exception(message);
