namespace Lamina.Engine.Qmp;

/// <summary>The line is dead: closed, broken or never there. Every call that was pending fails with this and the same reason.</summary>
public sealed class QmpClosedException(string message, Exception? innerException = null) : Exception(message, innerException);

/// <summary>The peer understood and said no. Branch on <see cref="ErrorClass"/>, never on the text.</summary>
public sealed class QmpErrorException(string command, string errorClass, string description)
    : Exception($"{command}: {description}")
{
    public string Command { get; } = command;
    /// <summary>QAPI's QapiErrorClass, such as <c>GenericError</c>, <c>CommandNotFound</c>, <c>DeviceNotFound</c>.</summary>
    public string ErrorClass { get; } = errorClass;
    public string Description { get; } = description;
}

/// <summary>The peer sent something that is not the protocol; the line is closed, for nothing after it can be trusted.</summary>
public sealed class QmpProtocolException(string message, Exception? innerException = null) : Exception(message, innerException);
