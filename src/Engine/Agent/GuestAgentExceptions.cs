namespace Lamina.Engine.Agent;

/// <summary>No agent answered in time, or it answered nonsense. Common and harmless: a guest may have none.</summary>
public sealed class GuestAgentUnavailableException(string message, Exception? innerException = null) : Exception(message, innerException);

/// <summary>The agent understood and said no.</summary>
public sealed class GuestAgentErrorException(string command, string errorClass, string description)
    : Exception($"{command}: {description}")
{
    public string Command { get; } = command;
    public string ErrorClass { get; } = errorClass;
    public string Description { get; } = description;
}
