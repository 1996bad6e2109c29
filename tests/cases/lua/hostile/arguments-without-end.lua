-- expect: R421 R422 R423 3-6
function InterpretHealth(observedObj)
  local function f(...)
    return f(1, ...)
  end
  return f()
end
