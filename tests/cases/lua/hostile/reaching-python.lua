-- expect: R421 3
function InterpretHealth(observedObj)
  return python.eval("__import__('os').system('true')") == 0
end
